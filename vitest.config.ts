import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vitest/config";

/** Migrations are imported as text, as the build does it. */
const sqlText: Plugin = {
  name: "sql-text",
  enforce: "pre",
  load: (id) => (id.endsWith(".sql") ? `export default ${JSON.stringify(readFileSync(id, "utf8"))};` : undefined),
};

export default defineConfig({
  plugins: [sqlText],
  test: {
    include: ["{shared,coordinator,agent,cli,scripts,test}/**/*.test.ts"],
    exclude: ["node_modules/**", "dist/**"],
    globalSetup: ["scripts/vitest-setup.ts"],
    pool: "forks",
    poolOptions: { forks: { maxForks: 2, minForks: 1 } },
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
