import { describeTamperMatrix } from "./matrix.ts";

describeTamperMatrix(100, 10);
