import type { ReceiptCheck } from "./http-door.ts";
export const checkReceipts: ReceiptCheck = (_body, _batch, verdicts) => Promise.resolve(verdicts);
