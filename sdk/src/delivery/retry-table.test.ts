import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { dice } from "../../simulation/world.ts";
import { type AnswerStatus, backoffMs, retryActionFor, retryAfterMs, retryTable } from "./retry-table.ts";

const settings = { backoffBaseMs: 250, backoffCapMs: 30_000 };

describe("retryActionFor()", () => {
  it("does for every status what the table in the README says", () => {
    const rows = [...readFileSync(new URL("../../README.md", import.meta.url), "utf8").matchAll(/^\| ([^|]*) \| `(retry|pause|refresh|reroute|split)` \|/gm)];
    const documented = rows.flatMap(([, statuses = "", action = ""]) =>
      statuses.split(", ").map((word) => {
        const [from, to] = word.split("–");
        return { from: from ?? "", to: to ?? from ?? "", action };
      })
    );
    expect(documented.length).toBeGreaterThan(10);
    const expected = (status: AnswerStatus) =>
      documented.find(({ from, to }) => from === String(status) || (typeof status === "number" && Number(from) <= status && status <= Number(to)))?.action;
    for (const status of ["network" as const, ...Array.from({ length: 500 }, (_, index) => index + 100)]) {
      expect(`${status} ${retryActionFor(status)}`).toBe(`${status} ${expected(status)}`);
    }
  });

  it("is read from data that names every status", () => {
    for (let status = 100; status < 600; status++) {
      expect(
        retryTable.some(({ statuses }) => statuses.some((named) => typeof named === "object" ? status >= named[0] && status <= named[1] : named === status)),
      ).toBe(true);
    }
  });
});

describe("backoffMs()", () => {
  it("draws from nothing to a bound that doubles up to the cap", () => {
    expect(backoffMs(0, 0, settings)).toBe(0);
    expect(backoffMs(0, 1, settings)).toBe(250);
    expect(backoffMs(3, 1, settings)).toBe(2000);
    expect(backoffMs(1000, 1, settings)).toBe(30_000);
  });

  it("spreads a thousand clients that failed together: no second sees more than 3 times the mean", () => {
    const { random } = dice(7);
    const returns = Array.from({ length: 1000 }, () => Math.floor(backoffMs(7, random(), settings) / 1000));
    const perSecond = returns.reduce((counts, second) => counts.set(second, (counts.get(second) ?? 0) + 1), new Map<number, number>());
    expect(Math.max(...perSecond.values())).toBeLessThan(3 * 1000 / 30);
  });
});

describe("retryAfterMs()", () => {
  const now = Date.parse("2026-11-22T10:00:00Z");

  it("reads seconds and dates", () => {
    expect(retryAfterMs("7", now, 60_000)).toBe(7000);
    expect(retryAfterMs("Sun, 22 Nov 2026 10:00:09 GMT", now, 60_000)).toBe(9000);
  });

  it("obeys no longer than the cap, and no date that is past", () => {
    expect(retryAfterMs("86400", now, 60_000)).toBe(60_000);
    expect(retryAfterMs("Sun, 22 Nov 2026 09:00:00 GMT", now, 60_000)).toBe(0);
  });

  it("ignores what it cannot read", () => {
    for (const header of [null, "", " ", "soon", "-1x"]) expect(retryAfterMs(header, now, 60_000)).toBeUndefined();
  });
});
