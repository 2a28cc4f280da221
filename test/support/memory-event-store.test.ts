import { describeEventStore } from "../contract/event-store.ts";
import { memoryEventStore } from "./memory-event-store.ts";

describeEventStore("memoryEventStore()", () => {
  const store = memoryEventStore();
  return {
    store,
    rowsOf: (tenantId) => Promise.resolve(store.rows().filter(({ event }) => event.tenant_id === tenantId)),
    closeDay: (day) => Promise.resolve(void store.closeDay(day)),
    ageClaims: (ms) => Promise.resolve(void store.ageClaims(ms)),
  };
});
