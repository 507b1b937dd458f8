import catalog from "./001-catalog.sql";
import leaving from "./002-leaving.sql";
import storageMapping from "./003-storage-mapping.sql";
import witnesses from "./004-witnesses.sql";
import life from "./005-life.sql";
import workspaces from "./006-workspaces.sql";
import secrets from "./007-secrets.sql";
import membership from "./008-membership.sql";
import fileServers from "./009-file-servers.sql";
import clusterDeleting from "./010-cluster-deleting.sql";
import identities from "./011-identities.sql";
import events from "./012-events.sql";
import watch from "./013-watch.sql";
import nodeHealth from "./014-node-health.sql";
import access from "./015-access.sql";
import certificates from "./016-certificates.sql";
import auditStays from "./017-audit-stays.sql";

/** In order; the n-th brings the schema to version n. A migration that was released is never edited. */
export const migrations: readonly string[] = [
  catalog,
  leaving,
  storageMapping,
  witnesses,
  life,
  workspaces,
  secrets,
  membership,
  fileServers,
  clusterDeleting,
  identities,
  events,
  watch,
  nodeHealth,
  access,
  certificates,
  auditStays,
];
