/** The catalog as a whole cannot be used, and no retry helps: the daemon ends with an exit code of its own. */
export class CatalogRefused extends Error {
  override readonly name = "CatalogRefused";
}
