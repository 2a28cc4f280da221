import { describe } from "vitest";
import { volume } from "./volume.ts";

describe("audit-retention", () => {
  volume(200_000, 2, 0.99);
  volume(1_000_000, 2, 0.99);
});
