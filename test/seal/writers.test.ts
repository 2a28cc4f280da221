import { describeWriters } from "./writers.ts";

describeWriters({ writers: 8, transactionMsMax: 400, seconds: 6 });
