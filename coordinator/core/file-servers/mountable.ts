import type { World } from "../memory.js";
import type { FileServer } from "../state.js";

/** What a node mounts of a file server, or why it can't. */
export type Mountable =
  | {
      readonly kind: "there";
      readonly host: string;
      readonly path: string;
      readonly options: string;
      readonly port: number;
    }
  /** It will be; nobody need fail for it. */
  | { readonly kind: "waits"; readonly why: string }
  | { readonly kind: "fails"; readonly why: string };

/** NFS's own, which need not be said. */
const usualPort = 2049;

export function mountableOf(world: World, { name, spec, managed }: FileServer): Mountable {
  if (spec.existing) {
    const { host, export: path, mountOptions: options } = spec.existing;
    return { kind: "there", host, path, options, port: usualPort };
  }
  if (!managed) return { kind: "fails", why: unserved(name) };
  const node = world.nodes.get(managed.node);
  if (!node) return { kind: "fails", why: `the machine of file server ${name} is not enrolled any more` };
  if (managed.state === "creating") return { kind: "waits", why: `file server ${name} is still being made` };
  if (managed.state !== "succeeded") {
    return { kind: "fails", why: `file server ${name} does not serve: ${managed.fault?.message ?? managed.state}` };
  }
  const options = spec.managed?.mountOptions ?? "";
  return { kind: "there", host: node.address, path: managed.mountPoint, options, port: managed.port ?? usualPort };
}

/** Of a release that kept Batch AI's body and served nothing. */
export const unserved = (name: string) =>
  `file server ${name} was made by an earlier release, which served none: delete it and create it again`;

/** As `mount -o` takes it. */
export function withPort(options: string, port: number): string {
  if (port === usualPort) return options;
  return [options, `port=${port}`].filter((part) => part !== "").join(",");
}
