import type { ContainerSettings } from "../../../shared/gen/stoker/v1/job_pb.js";
import { admitClean, admitText, refuse, shown } from "./fields.js";
import { admitMemory } from "./quantities.js";

const path = "containerSettings";
const nameMax = 512;
/** A registry, the repository, a tag, a digest. It becomes a word of a command line: never an option. */
const imageForm = /^[A-Za-z0-9][-A-Za-z0-9._/:@+]*$/;
const serverForm = /^(?:https?:\/\/)?[A-Za-z0-9][-A-Za-z0-9._:/]*$/i;

export function admitContainer({ imageSourceRegistry, shmSize }: ContainerSettings): void {
  const own = `${path}.imageSourceRegistry`;
  const image = admitText(`${own}.image`, imageSourceRegistry?.image ?? "");
  if (!imageForm.test(image) || image.length > nameMax) {
    refuse(
      `${own}.image`,
      `"${shown(image)}" is not an image's name, such as pytorch/pytorch:2.1 or host:5000/name:tag`,
    );
  }
  const serverUrl = admitClean(`${own}.serverUrl`, imageSourceRegistry?.serverUrl ?? "", nameMax);
  if (serverUrl !== "" && !serverForm.test(serverUrl)) {
    refuse(`${own}.serverUrl`, `"${shown(serverUrl)}" is not a registry, such as registry.example.org`);
  }
  const { username = "", password = "" } = imageSourceRegistry?.credentials ?? {};
  admitClean(`${own}.credentials.username`, username);
  admitClean(`${own}.credentials.password`, password);
  if (username.includes(":")) refuse(`${own}.credentials.username`, "holds a colon, which ends it for a registry");
  admitMemory(`${path}.shmSize`, shmSize);
}
