import catalog from "./001-catalog.sql";

/** In order; the n-th brings the schema to version n. A migration that was released is never edited. */
export const migrations: readonly string[] = [catalog];
