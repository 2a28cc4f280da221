import { describe } from "vitest";
import { describeEverySuite } from "./every-suite.ts";

describe.each([15, 18] as const)("PostgreSQL %i", describeEverySuite);
