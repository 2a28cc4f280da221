/** Stands for somebody's data in the inputs of tests, and is nothing that our own code could write: no log, metric or refusal may hold it. */
export const canary = "c4n4ryqx";

/** The address of somebody who is nobody: of the range that documentation may use, and in no test as anything else. */
export const canaryAddress = "203.0.113.77";
