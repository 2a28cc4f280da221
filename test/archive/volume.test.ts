import { describe } from "vitest";
import { volume } from "./volume.ts";

// Beside other tests: what would stop ingest for a lock shows, what twice the load costs does not, nor a batch or two that a neighbour held up.
describe("audit-retention", () => volume(20_000, 5, 0.9));
