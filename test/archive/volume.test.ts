import { describe } from "vitest";
import { volume } from "./volume.ts";

// Beside other tests: what would stop ingest for a lock shows, what twice the load costs does not.
describe("audit-retention", () => volume(20_000, 5));
