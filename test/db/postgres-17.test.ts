import { describeEverySuite } from "./every-suite.ts";

describeEverySuite(17);
