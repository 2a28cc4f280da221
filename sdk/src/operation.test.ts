import { describe, expect, it } from "vitest";
import { virtual } from "../test/virtual.ts";

describe("auditOperation()", () => {
  it("returns what the operation returns and logs success with its duration", async () => {
    const world = virtual({ batchAgeMs: 0 });
    const value = await world.until(world.client.auditOperation({ operation_type: "scan", operator: "a@b.c", extra_info: { scan: 1 } }, async (event) => {
      await world.pass(1234);
      event.object_id = "scan-7";
      return 42;
    }));
    expect(value).toBe(42);
    await world.until(world.client.flush());
    expect(world.requests[0]?.events[0]).toMatchObject({
      event_type: "scan",
      actor_id: "a@b.c",
      object_id: "scan-7",
      result: "success",
      duration_ms: 1234,
      context: { scan: 1 },
    });
  });

  it("passes on what the operation throws and logs the failure with its details", async () => {
    const world = virtual();
    const fault = Object.assign(new TypeError("no such order"), { code: "E_ORDER" });
    const operation = world.client.auditOperation({ event_type: "pay", context: { a: 1 } }, () => {
      throw fault;
    });
    await expect(operation).rejects.toBe(fault);
    await world.until(world.client.flush());
    expect(world.requests[0]?.events[0]).toMatchObject({
      result: "failure",
      message: "no such order",
      duration_ms: 0,
      context: { a: 1, error: { name: "TypeError", message: "no such order", code: "E_ORDER" } },
    });
  });

  it("says of an error only what can be stored: no U+0000, no half of a character where it was cut", async () => {
    const world = virtual();
    const message = `no user "\0"${"x".repeat(988)}😀`;
    await world.client.auditOperation({ event_type: "sign-in" }, () => Promise.reject(new Error(message))).catch(() => {});
    await world.until(world.client.flush());
    const [event] = world.requests[0]?.events ?? [];
    expect(event?.["message"]).toBe(`no user "\ufffd"${"x".repeat(988)}\ufffd`);
    expect(event).toMatchObject({ context: { error: { message: event?.["message"] } } });
  });

  it.each([
    ["an object without a prototype", Object.create(null)],
    [
      "an error that throws when it is read",
      new Proxy({}, {
        get: () => {
          throw new Error("read");
        },
      }),
    ],
  ])("passes on %s", async (_, thrown) => {
    const world = virtual();
    const operation = () => {
      throw thrown;
    };
    expect(await world.client.auditOperation({ event_type: "pay" }, operation).then(() => false, (reason: unknown) => reason === thrown)).toBe(true);
    await world.until(world.client.flush());
    expect(world.requests[0]?.events[0]).toMatchObject({ event_type: "pay", result: "failure" });
  });

  it("runs the operation although the event cannot be read", async () => {
    const world = virtual();
    const info = {
      event_type: "pay",
      get actor_id(): string {
        throw new Error("not loaded");
      },
    };
    await expect(world.client.auditOperation(info, () => 7)).resolves.toBe(7);
    await world.until(world.client.flush());
    expect(world.requests[0]?.events[0]).toMatchObject({ event_type: "pay", result: "success" });
  });

  it("lets the operation say that it ended with a warning, and keeps its own message", async () => {
    const world = virtual();
    await world.client.auditOperation({ event_type: "a", message: "mine" }, (event) => void (event.result = "warning"));
    await world.client.auditOperation({ event_type: "b", message: "mine" }, () => Promise.reject("text")).catch(() => {});
    await world.until(world.client.flush());
    expect(world.requests[0]?.events).toMatchObject([{ result: "warning", message: "mine" }, {
      result: "failure",
      message: "mine",
      context: { error: { name: "Error", message: "text" } },
    }]);
  });

  it("never fails for auditing: not when the queue is full, the client closed, or the event cannot be written", async () => {
    const world = virtual();
    await world.until(world.client.close());
    await expect(world.client.auditOperation({ event_type: "a" }, () => 1)).resolves.toBe(1);
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    await expect(virtual().client.auditOperation({ event_type: "a", context: circle }, () => 2)).resolves.toBe(2);
    const sync = virtual({ async: false, logTimeoutMs: 100 });
    sync.answer = () => "refused";
    await expect(sync.until(sync.client.auditOperation({ event_type: "a" }, () => 3))).resolves.toBe(3);
  });
});
