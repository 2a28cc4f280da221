import type { PostgresMajor } from "../../scripts/stack/postgres-binaries.ts";
import { describeAppendOnly } from "./append-only.suite.ts";
import { describeBatches } from "./batches.suite.ts";
import { describeConcurrency } from "./concurrency.suite.ts";
import { describeDurability } from "./durability.suite.ts";
import { describeGoldenSchema } from "./golden.suite.ts";
import { describeIngest } from "./ingest.suite.ts";
import { describeIsolation } from "./isolation.suite.ts";
import { describeKeys } from "./keys.suite.ts";
import { describePartitions } from "./partitions.suite.ts";
import { describePrivileges } from "./privileges.suite.ts";

/** All that the database promises, on one major of PostgreSQL. */
export function describeEverySuite(major: PostgresMajor): void {
  describeGoldenSchema(major);
  describePrivileges(major);
  describeAppendOnly(major);
  describeIsolation(major);
  describeIngest(major);
  describeConcurrency(major);
  describeDurability(major);
  describeBatches(major);
  describePartitions(major);
  describeKeys(major);
}
