// Who may import whom. Each rule has a planted violation in scripts/import-rules.test.ts.
const programs = ["coordinator", "agent", "cli"];
const gen = "^shared/gen/";

const neverEachOther = programs.map((program) => ({
  name: `${program}-alone`,
  comment: "The programs meet only through proto and shared; test/ and scripts/ may see all.",
  severity: "error",
  from: { path: `^${program}/` },
  to: { path: `^(${programs.filter((other) => other !== program).join("|")}|scripts)/` },
}));

module.exports = {
  forbidden: [
    ...neverEachOther,
    {
      name: "test-aids-in-tests",
      comment: "What test/ holds is for tests, those beside a file and what helps them included.",
      severity: "error",
      from: { path: "^(coordinator|agent|cli|shared)/", pathNot: "\\.test\\.ts$|^cli/testing/" },
      to: { path: "^test/" },
    },
    {
      name: "shared-alone",
      comment: "shared is what all programs need: it knows none of them.",
      severity: "error",
      from: { path: "^shared/" },
      to: { path: "^(coordinator|agent|cli|scripts)/" },
    },
    {
      name: "core-pure",
      comment: "core/ imports core/ and shared's ids, fault and assert; everything else is an adapter's.",
      severity: "error",
      from: { path: "^(coordinator|agent)/core/", pathNot: "\\.test\\.ts$" },
      to: { pathNot: ["^$1/core/", "^shared/(ids|fault|assert)\\.ts$", gen] },
    },
    {
      name: "core-gen-types-only",
      comment: "Specs pass through core/ unchanged, as types.",
      severity: "error",
      from: { path: "^(coordinator|agent)/core/", pathNot: "\\.test\\.ts$" },
      to: { path: gen, dependencyTypesNot: ["type-only"] },
    },
    {
      name: "core-tests-pure",
      comment: "Tests of core/ need no adapter either.",
      severity: "error",
      from: { path: "^(coordinator|agent)/core/.*\\.test\\.ts$" },
      to: { path: "^(coordinator|agent)/", pathNot: "^$1/core/" },
    },
    {
      name: "adapters-apart",
      comment: "Adapters never import one another; <daemon>.ts joins them.",
      severity: "error",
      from: { path: "^(coordinator|agent)/([^/]+)/", pathNot: "^(coordinator|agent)/core/" },
      to: { path: "^(coordinator|agent)/[^/]+/", pathNot: ["^$1/$2/", "^$1/core/"] },
    },
    {
      name: "adapters-know-no-root",
      comment: "Only <daemon>.ts, the engine and main know every part; parts don't know them.",
      severity: "error",
      from: { path: "^(coordinator|agent)/[^/]+/", pathNot: "\\.test\\.ts$" },
      to: { path: "^(coordinator|agent)/(main|engine|coordinator|agent)\\.ts$" },
    },
    {
      name: "sql-in-catalog",
      severity: "error",
      from: { path: "^(coordinator|agent|cli|shared)/", pathNot: "^coordinator/catalog/" },
      to: { path: "node_modules/better-sqlite3" },
    },
    {
      name: "nats-in-its-adapters",
      severity: "error",
      from: {
        path: "^(coordinator|agent|cli|shared)/",
        pathNot: "^(coordinator/(feed|logs|nats)|agent/logs)/",
      },
      to: { path: "node_modules/@nats-io/" },
    },
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
