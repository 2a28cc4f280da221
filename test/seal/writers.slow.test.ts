import { describeWriters } from "./writers.ts";

describeWriters({ writers: 8, transactionMsMax: 3000, seconds: 60 });
