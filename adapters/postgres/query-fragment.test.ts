import { describe, expect, it } from "vitest";
import { joined, sql, statement } from "./query-fragment.ts";

describe("sql", () => {
  it("binds values and splices fragments, numbering across all of them", () => {
    const inner = sql`b = ${2}`;
    expect(statement(sql`a = ${1} and ${inner} or ${inner} limit ${3}`)).toEqual({ text: "a = $1 and b = $2 or b = $3 limit $4", values: [1, 2, 2, 3] });
    expect(statement(sql``)).toEqual({ text: "", values: [] });
    expect(statement(joined([sql`a`, sql`${1}`, sql`c`], sql` and `))).toEqual({ text: "a and $1 and c", values: [1] });
  });

  it("binds text, and objects that look like fragments, whatever is in them", () => {
    const forged = { strings: ["; drop table x; --"], values: [] };
    const { text, values } = statement(sql`select ${"'; drop table x; --"}, ${forged}`);
    expect(text).toBe("select $1, $2");
    expect(values).toEqual(["'; drop table x; --", forged]);
  });
});
