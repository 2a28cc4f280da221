import { describeTamperMatrix } from "./matrix.ts";

describeTamperMatrix(500, 500);
