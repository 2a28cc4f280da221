import { describe, expect, it } from "vitest";
import { createExportRoom } from "./export-room.ts";

const never = new AbortController().signal;
const patient = { places: 3, placesPerTenant: 2, waitMs: 60_000 };

describe("createExportRoom()", () => {
  it("lets in as many as there are places, and the next when one is left", async () => {
    const room = createExportRoom({ ...patient, placesPerTenant: 3 });
    const first = await room.enter("a", never);
    await room.enter("a", never);
    await room.enter("b", never);
    let isIn = false;
    const fourth = room.enter("c", never).then(() => isIn = true);
    await Promise.resolve();
    expect(isIn).toBe(false);
    first.leave();
    await fourth;
    expect(isIn).toBe(true);
  });

  it("keeps a tenant from having every place, however many exports he begins", async () => {
    const room = createExportRoom(patient);
    const order: string[] = [];
    const first = await room.enter("a", never);
    await room.enter("a", never);
    const more = ["a1", "a2"].map((name) => room.enter("a", never).then(() => order.push(name)));
    const other = await room.enter("b", never);
    const third = room.enter("b", never).then(() => order.push("b1"));
    other.leave();
    await third;
    expect(order).toEqual(["b1"]);
    first.leave();
    await more[0];
    expect(order).toEqual(["b1", "a1"]);
  });

  it("counts a place once, however often it is left", async () => {
    const room = createExportRoom({ places: 1, placesPerTenant: 1, waitMs: 10 });
    const first = await room.enter("a", never);
    first.leave();
    await room.enter("a", never);
    first.leave();
    await expect(room.enter("a", never)).rejects.toMatchObject({ code: "unavailable" });
  });

  it("refuses who has waited long enough or is gone, and forgets him", async () => {
    const room = createExportRoom({ places: 1, placesPerTenant: 1, waitMs: 20 });
    const first = await room.enter("a", never);
    await expect(room.enter("a", never)).rejects.toMatchObject({ code: "unavailable", retryAfterSeconds: 5 });
    const gone = new AbortController();
    const waiting = room.enter("a", gone.signal);
    gone.abort();
    await expect(waiting).rejects.toMatchObject({ code: "unavailable" });
    await expect(room.enter("a", AbortSignal.abort())).rejects.toMatchObject({ code: "unavailable" });
    first.leave();
    (await room.enter("a", never)).leave();
    (await room.enter("b", never)).leave();
  });
});
