import { describeNasties } from "./nasties.suite.ts";

describeNasties("2.9");
