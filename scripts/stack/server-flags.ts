/**
 * How Node runs the query service, here and in the Dockerfile. V8 lets the young generation and the heap grow before it collects: an export of 100 MB then held 340 MB
 * of memory, of which it needs none. With these the process stays under 140 MB while it exports a million events, and under 150 MB with events as wide as they
 * may be; four of such exports at a time were 180 MB.
 */
export const serverFlags = ["--max-old-space-size=96", "--max-semi-space-size=2"] as const;
