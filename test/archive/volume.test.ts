import { describe } from "vitest";
import { volume } from "./volume.ts";

describe("audit-retention", () => volume(20_000));
