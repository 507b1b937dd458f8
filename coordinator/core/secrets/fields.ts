import type { ClusterSpec, UserAccountSettings } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import type { EnvironmentVariableWithSecretValue } from "../../../shared/gen/stoker/v1/environment_pb.js";
import type { FileServerSpec } from "../../../shared/gen/stoker/v1/file_server_pb.js";
import type { ContainerSettings, JobSpec } from "../../../shared/gen/stoker/v1/job_pb.js";
import type {
  AzureStorageCredentials,
  KeyVaultSecretReference,
  MountVolumes,
} from "../../../shared/gen/stoker/v1/mount_pb.js";

/**
 * Every field of a spec that Batch AI calls a secret, with the reference that may stand in its place. What shows specs empties them, what stores
 * specs seals them, what admits specs looks up the references: all of them find the fields here.
 */
export type ChangeSecret = (
  value: string,
  /** Of the value's field. */
  path: string,
  reference: KeyVaultSecretReference | undefined,
) => string;

export function changeJobSecrets(spec: JobSpec, change: ChangeSecret): JobSpec {
  return {
    ...spec,
    secrets: changeVariables("secrets", spec.secrets, change),
    ...optional("mountVolumes", spec.mountVolumes, (volumes) => changeVolumes("mountVolumes", volumes, change)),
    ...optional("containerSettings", spec.containerSettings, (container) => changeContainer(container, change)),
  };
}

export function changeClusterSecrets(spec: ClusterSpec, change: ChangeSecret): ClusterSpec {
  return {
    ...spec,
    ...optional("userAccountSettings", spec.userAccountSettings, (account) =>
      changeAccount("userAccountSettings", account, change),
    ),
    ...optional("nodeSetup", spec.nodeSetup, (setup) => ({
      ...setup,
      ...optional("setupTask", setup.setupTask, (task) => ({
        ...task,
        secrets: changeVariables("nodeSetup.setupTask.secrets", task.secrets, change),
      })),
      ...optional("mountVolumes", setup.mountVolumes, (volumes) =>
        changeVolumes("nodeSetup.mountVolumes", volumes, change),
      ),
      ...optional("performanceCountersSettings", setup.performanceCountersSettings, (settings) => ({
        ...settings,
        ...optional("appInsightsReference", settings.appInsightsReference, (insights) => ({
          ...insights,
          instrumentationKey: change(
            insights.instrumentationKey,
            "nodeSetup.performanceCountersSettings.appInsightsReference.instrumentationKey",
            insights.instrumentationKeySecretReference,
          ),
        })),
      })),
    })),
  };
}

export function changeFileServerSecrets(spec: FileServerSpec, change: ChangeSecret): FileServerSpec {
  return {
    ...spec,
    ...optional("sshConfiguration", spec.sshConfiguration, (ssh) => ({
      ...ssh,
      ...optional("userAccountSettings", ssh.userAccountSettings, (account) =>
        changeAccount("sshConfiguration.userAccountSettings", account, change),
      ),
    })),
  };
}

const changeVariables = (path: string, secrets: EnvironmentVariableWithSecretValue[], change: ChangeSecret) =>
  secrets.map((secret, at) => ({
    ...secret,
    value: change(secret.value, `${path}[${at}].value`, secret.valueSecretReference),
  }));

const changeAccount = (path: string, account: UserAccountSettings, change: ChangeSecret): UserAccountSettings => ({
  ...account,
  adminUserPassword: change(account.adminUserPassword, `${path}.adminUserPassword`, undefined),
});

const changeVolumes = (path: string, volumes: MountVolumes, change: ChangeSecret): MountVolumes => ({
  ...volumes,
  azureFileShares: volumes.azureFileShares.map((share, at) =>
    changeKey(`${path}.azureFileShares[${at}]`, share, change),
  ),
  azureBlobFileSystems: volumes.azureBlobFileSystems.map((container, at) =>
    changeKey(`${path}.azureBlobFileSystems[${at}]`, container, change),
  ),
});

function changeKey<T extends { credentials?: AzureStorageCredentials | undefined }>(
  path: string,
  volume: T,
  change: ChangeSecret,
): T {
  const { credentials } = volume;
  if (!credentials) return volume;
  const { accountKey, accountKeySecretReference } = credentials;
  const changed = change(accountKey, `${path}.credentials.accountKey`, accountKeySecretReference);
  return { ...volume, credentials: { ...credentials, accountKey: changed } };
}

const changeContainer = (container: ContainerSettings, change: ChangeSecret): ContainerSettings => ({
  ...container,
  ...optional("imageSourceRegistry", container.imageSourceRegistry, (registry) => ({
    ...registry,
    ...optional("credentials", registry.credentials, (credentials) => ({
      ...credentials,
      password: change(
        credentials.password,
        "containerSettings.imageSourceRegistry.credentials.password",
        credentials.passwordSecretReference,
      ),
    })),
  })),
});

/** The field, changed, when there is one. */
function optional<K extends string, V>(name: K, value: V | undefined, change: (value: V) => V): { [P in K]?: V } {
  return value === undefined ? {} : ({ [name]: change(value) } as { [P in K]?: V });
}
