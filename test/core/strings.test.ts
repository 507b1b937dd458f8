import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { expect, it } from "vitest";
import { refuseGrant } from "../../agent/core/grant.js";
import type { Effect } from "../../coordinator/core/effects.js";
import { Fault } from "../../shared/fault.js";
import { ClusterSpecSchema } from "../../shared/gen/stoker/v1/cluster_pb.js";
import { FileServerSpecSchema } from "../../shared/gen/stoker/v1/file_server_pb.js";
import { type JobSpec, JobSpecSchema } from "../../shared/gen/stoker/v1/job_pb.js";
import { type LeaseGrant, LeaseGrantSchema } from "../../shared/gen/stoker/v1/lease_pb.js";
import { CoreWorld } from "../build.js";

/**
 * Every text of a job, a cluster and a file server, in turn, says what would be a command, an option, a line, a path or an end of its own. It is
 * refused with a fault that names the field, or comes to the node as it was given, in a place that is data there; what nodes make of each place
 * of a grant is test/daemons/strings.test.ts's.
 */
const payloads = ["; touch X", "$(touch X)", "`touch X`", "x\ntouch X\n", "--option=X", "../../X", "X\0Y"];

/** A shell's text by its meaning: Batch AI hands paths and arguments of scripts to the shell as they are. They end up in nothing but it. */
const shellTexts = /(^|\.)(command_line|mount_command|[a-z_]*command_line_args|python_[a-z_]*path|config_file_path)$/;

const toolkits = JobSpecSchema.oneofs.find(({ name }) => name === "toolkit")?.fields ?? expect.fail("no toolkits");

/** Each text of the message and of those in it, by how to set it. */
function texts(message: DescMessage, way: string[] = []): string[][] {
  return message.fields.flatMap((field): string[][] => {
    const here = [...way, field.name];
    if (isText(field)) return [here];
    const inner = "message" in field ? field.message : undefined;
    return inner && !inner.typeName.startsWith("google.") ? texts(inner, here) : [];
  });
}

const isText = (field: DescField) =>
  (field.fieldKind === "scalar" ||
    (field.fieldKind === "list" && field.listKind === "scalar") ||
    (field.fieldKind === "map" && field.mapKind === "scalar")) &&
  field.scalar === ScalarType.STRING;

/** Sets it, making the messages and list items on the way where there are none. */
function put(message: ReturnType<typeof reflect>, [name = "", ...rest]: readonly string[], value: string): void {
  const field = message.fields.find((each) => each.name === name) ?? expect.fail(`no field ${name}`);
  if (field.fieldKind === "map") message.get(field).set("P", value);
  else if (field.fieldKind === "list") {
    const list = message.get(field);
    if (!field.message) list.add(value);
    else {
      if (list.size === 0) list.add(reflect(field.message, create(field.message)));
      put(list.get(0) as ReturnType<typeof reflect>, rest, value);
    }
  } else if (field.fieldKind === "message") {
    const inner = message.isSet(field) ? message.get(field) : reflect(field.message, create(field.message));
    put(inner, rest, value);
    message.set(field, inner);
  } else message.set(field, value as never);
}

/** All texts of a message, with where they are. */
function* found(value: unknown, at = ""): Generator<{ at: string; text: string }> {
  if (typeof value === "string") yield { at, text: value };
  else if (Array.isArray(value)) for (const item of value) yield* found(item, `${at}[]`);
  else if (typeof value === "object" && value !== null)
    for (const [key, inner] of Object.entries(value))
      if (key !== "$typeName") yield* found(inner, at === "" ? key : `${at}.${key}`);
}

function lab(): CoreWorld {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.fileServer("nas", { existing: { host: "nas.lab", export: "/data", mountOptions: "vers=4.2" } });
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 1 } } });
  const fileServing = { server: "kernel", folder: "/srv", freeBytes: 1n << 40n };
  world.hello("n1", { gpus: 2, containers: "podman", fileServing });
  return world;
}

const azure = { accountName: "acc", credentials: { accountKey: "a2V5" } };

const toolkitSettings: Record<string, object> = {
  cntkSettings: { pythonScriptFilePath: "a.py", languageType: "Python" },
  customToolkitSettings: { commandLine: "true" },
  customMpiSettings: { commandLine: "true" },
  horovodSettings: { pythonScriptFilePath: "a.py" },
  pyTorchSettings: { pythonScriptFilePath: "a.py", communicationBackend: "gloo" },
};

/** A job with something of everything, so that a text that is put into it is looked at. */
const example = (toolkit: string) =>
  create(JobSpecSchema, {
    ...{ cluster: { id: "c" }, nodeCount: 1, stdOutErrPathPrefix: "$AZ_BATCHAI_JOB_MOUNT_ROOT/x" },
    toolkit: {
      case: toolkit,
      value: toolkitSettings[toolkit] ?? { pythonScriptFilePath: "a.py" },
    } as JobSpec["toolkit"],
    ...{
      inputDirectories: [{ id: "IN", path: "/in" }],
      outputDirectories: [{ id: "OUT", pathPrefix: "/out", pathSuffix: "s" }],
    },
    ...{ environmentVariables: [{ name: "A", value: "b" }], secrets: [{ name: "S", value: "t" }] },
    jobPreparation: { commandLine: "true" },
    mountVolumes: {
      fileServers: [{ fileServer: { id: "nas" }, relativeMountPath: "nfs" }],
      unmanagedFileSystems: [{ mountCommand: "mount -t cifs //x/y", relativeMountPath: "own" }],
      azureFileShares: [
        { ...azure, azureFileUrl: "https://acc.file.core.windows.net/share", relativeMountPath: "smb" },
      ],
      azureBlobFileSystems: [{ ...azure, containerName: "box", relativeMountPath: "blob" }],
    },
    containerSettings: {
      imageSourceRegistry: {
        ...{ serverUrl: "registry.lab", image: "lab/image:1" },
        credentials: { username: "u", password: "p" },
      },
    },
    sweep: { name: "s", index: 1 },
  });

const fileServer = ([first]: readonly string[]) =>
  create(
    FileServerSpecSchema,
    first === "managed" ? { managed: { node: "n1", directory: "/srv/x" } } : { existing: { host: "h", export: "/x" } },
  );

interface Outcome {
  /** Of the fault that refused it. */
  refused?: string;
  grants: LeaseGrant[];
}

function outcome(act: () => { effects: readonly Effect[] }): Outcome {
  try {
    const { effects } = act();
    return {
      grants: effects.flatMap((effect) =>
        effect.kind === "grant-lease" ? [create(LeaseGrantSchema, effect.grant)] : [],
      ),
    };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    expect(["invalid-argument", "failed-precondition", "not-found"]).toContain(error.code);
    return { refused: error.message, grants: [] };
  }
}

const camel = (name: string) => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** The field, or what holds it, is in the fault's words. */
function expectNamed(way: readonly string[], message: string): void {
  const names = way.map(camel);
  expect({ way, message, named: names.some((name) => message.includes(name)) }).toEqual({ way, message, named: true });
}

function withText<M extends Message>(schema: DescMessage, message: M, way: readonly string[], value: string): M {
  put(reflect(schema, message), way, value);
  return message;
}

/** Where texts of users may be found in a grant; each is tried on a real node. */
const dataPlaces =
  /^(environment\[\]|secrets\[\]|ranks\[\]\.environment\[\])\.value$|^(directories\[\]|stdDirectory|preparationCommandLine|ranks\[\]\.commandLine)$|^(jobMounts\[\]|container)\./;
/** Of a mount's texts those that are no places. */
const noPlaces = /\.(options|command|userName|accountKey|account|password|username)$/;

it("texts of a job come to its node as they were given, and as data, or are refused by the field's name", {
  timeout: 30_000,
}, () => {
  const taken = new Set<string>();
  const tried = new Set<string>();
  const reached = new Set<string>();
  for (const toolkit of toolkits) {
    for (const way of texts(JobSpecSchema)) {
      const isToolkit = toolkits.some(({ name }) => name === way[0]);
      // What is not the toolkit's is the same with each.
      if (isToolkit ? way[0] !== toolkit.name : toolkit.localName !== "customToolkitSettings") continue;
      const isShell = shellTexts.test(way.join("."));
      for (const payload of payloads) {
        const value = isShell ? `true ${payload}` : payload;
        tried.add(way.join("."));
        const world = lab();
        const spec = withText(JobSpecSchema, example(toolkit.localName), way, value);
        const { refused, grants } = outcome(() => world.submit("j", spec as never));
        if (refused !== undefined) {
          expectNamed(way, refused);
          continue;
        }
        expect({ way, payload, nul: value.includes("\0") && isGiven(grants, value) }).toEqual({
          way,
          payload,
          nul: false,
        });
        taken.add(way.join("."));
        for (const grant of grants) {
          expect({ way, payload, refused: refuseGrant(grant) }).toEqual({ way, payload, refused: undefined });
          for (const { at, text } of found(grant)) {
            if (!text.includes(payload)) continue;
            reached.add(at);
            expect({ way, payload, at, isData: dataPlaces.test(at) }).toEqual({ way, payload, at, isData: true });
            const climbs = payload.startsWith("..") && at.startsWith("jobMounts") && !noPlaces.test(at);
            expect({ way, payload, at, climbs }).toEqual({ way, payload, at, climbs: false });
            // A shell's text is made of shell texts alone.
            if (/commandLine$/i.test(at))
              expect({ way, payload, at, isShell }).toEqual({ way, payload, at, isShell: true });
          }
        }
      }
    }
  }
  // The walk finds them all: a field that is added is tried, too.
  expect(tried.size).toBeGreaterThan(70);
  expect(reached.size).toBeGreaterThan(12);
  expect(taken.size).toBeGreaterThan(20);
});

const isGiven = (grants: readonly LeaseGrant[], value: string) =>
  grants.some((grant) => [...found(grant)].some(({ text }) => text.includes(value)));

it.each([
  ["cluster", ClusterSpecSchema],
  ["file server", FileServerSpecSchema],
] as const)("texts of a %s are kept as they were given, or are refused by the field's name", (kind, schema) => {
  let refusals = 0;
  const all = texts(schema);
  for (const way of all) {
    for (const payload of payloads) {
      const world = lab();
      const before = world.state;
      const { refused } = outcome(() =>
        kind === "cluster"
          ? world.cluster("x", withText(ClusterSpecSchema, create(ClusterSpecSchema, { vmSize: "any" }), way, payload))
          : world.fileServer("x", withText(FileServerSpecSchema, fileServer(way), way, payload)),
      );
      expect(world.state).toBe(before);
      if (refused === undefined) continue;
      expectNamed(way, refused);
      refusals += 1;
    }
  }
  expect(all.length).toBeGreaterThan(10);
  expect(refusals).toBeGreaterThan(all.length);
});
