import { defineConfig } from "vitest/config";

/** `npm run test:slow` sets AUDIT_TEST_SLOW: the long tests run alone, so that their figures are not another test's noise. */
const slow = process.env["AUDIT_TEST_SLOW"] === "1";

export default defineConfig({
  test: {
    include: slow ? ["**/*.slow.test.ts"] : ["**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/test-artifacts/**", "test/fixtures/**", ".audit/**", ...(slow ? [] : ["**/*.slow.test.ts"])],
    globalSetup: ["test/support/global-setup.ts"],
    setupFiles: ["test/support/watch-fetch.ts"],
    pool: "forks",
    maxWorkers: slow ? 1 : 2,
    // What hangs is found; what only waits for a processor, while other programs have both, is not taken for it.
    testTimeout: slow ? 600_000 : 240_000,
    hookTimeout: slow ? 600_000 : 240_000,
    retry: 0,
    // How long a condition is waited for: a busy machine is given the time, a quiet one takes none of it.
    expect: { poll: { timeout: 40_000 } },
  },
});
