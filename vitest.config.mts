import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Much of an end-to-end test is waiting for a server, a lock or a deadline: three at a time keep two cores busy.
    maxWorkers: 3,
    projects: [
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**'], testTimeout: 30_000 } },
      // Every file has servers, addresses and a cluster of its own; a machine without built images builds them once, under a lock.
      { test: { name: 'e2e', include: ['test/e2e/**/*.e2e.ts'], testTimeout: 600_000, hookTimeout: 900_000 } },
    ],
  },
});
