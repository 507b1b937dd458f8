import type { ClusterSpec } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import type { FileServerSpec } from "../../../shared/gen/stoker/v1/file_server_pb.js";
import type { JobSpec } from "../../../shared/gen/stoker/v1/job_pb.js";
import { changeClusterSecrets, changeFileServerSecrets, changeJobSecrets } from "../../core/secrets/fields.js";

/** Specs as reads may show them: every value that Batch AI calls a secret is emptied, its name stays. The stored spec is not touched. */
export const shownJobSpec = (spec: JobSpec) => changeJobSecrets(spec, nothing);
export const shownClusterSpec = (spec: ClusterSpec) => changeClusterSecrets(spec, nothing);
export const shownFileServerSpec = (spec: FileServerSpec) => changeFileServerSecrets(spec, nothing);

const nothing = () => "";
