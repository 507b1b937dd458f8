import type { ClusterSpec, UserAccountSettings } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import type { EnvironmentVariableWithSecretValue } from "../../../shared/gen/stoker/v1/environment_pb.js";
import type { FileServerSpec } from "../../../shared/gen/stoker/v1/file_server_pb.js";
import type { ContainerSettings, JobSpec } from "../../../shared/gen/stoker/v1/job_pb.js";
import type { MountVolumes } from "../../../shared/gen/stoker/v1/mount_pb.js";

/** Specs as reads may show them: every value that Batch AI calls a secret is emptied, its name stays. The stored spec is not touched. */
export function shownJobSpec(spec: JobSpec): JobSpec {
  return {
    ...spec,
    secrets: shownSecrets(spec.secrets),
    ...optional("mountVolumes", spec.mountVolumes, shownVolumes),
    ...optional("containerSettings", spec.containerSettings, shownContainer),
  };
}

export function shownClusterSpec(spec: ClusterSpec): ClusterSpec {
  return {
    ...spec,
    ...optional("userAccountSettings", spec.userAccountSettings, shownAccount),
    ...optional("nodeSetup", spec.nodeSetup, (setup) => ({
      ...setup,
      ...optional("setupTask", setup.setupTask, (task) => ({ ...task, secrets: shownSecrets(task.secrets) })),
      ...optional("mountVolumes", setup.mountVolumes, shownVolumes),
      ...optional("performanceCountersSettings", setup.performanceCountersSettings, (settings) => ({
        ...settings,
        ...optional("appInsightsReference", settings.appInsightsReference, (reference) => ({
          ...reference,
          instrumentationKey: "",
        })),
      })),
    })),
  };
}

export function shownFileServerSpec(spec: FileServerSpec): FileServerSpec {
  return {
    ...spec,
    ...optional("sshConfiguration", spec.sshConfiguration, (ssh) => ({
      ...ssh,
      ...optional("userAccountSettings", ssh.userAccountSettings, shownAccount),
    })),
  };
}

const shownSecrets = (secrets: EnvironmentVariableWithSecretValue[]) =>
  secrets.map((secret) => ({ ...secret, value: "" }));

const shownAccount = (account: UserAccountSettings): UserAccountSettings => ({ ...account, adminUserPassword: "" });

const shownVolumes = (volumes: MountVolumes): MountVolumes => ({
  ...volumes,
  azureFileShares: volumes.azureFileShares.map(withoutKey),
  azureBlobFileSystems: volumes.azureBlobFileSystems.map(withoutKey),
});

function withoutKey<T extends { credentials?: { accountKey: string } }>(share: T): T {
  return share.credentials ? { ...share, credentials: { ...share.credentials, accountKey: "" } } : share;
}

const shownContainer = (container: ContainerSettings): ContainerSettings => ({
  ...container,
  ...optional("imageSourceRegistry", container.imageSourceRegistry, (registry) => ({
    ...registry,
    ...optional("credentials", registry.credentials, (credentials) => ({ ...credentials, password: "" })),
  })),
});

/** The field, changed, when there is one. */
function optional<K extends string, V>(name: K, value: V | undefined, change: (value: V) => V): { [P in K]?: V } {
  return value === undefined ? {} : ({ [name]: change(value) } as { [P in K]?: V });
}
