import type { JobSpec } from "../../../shared/gen/stoker/v1/job_pb.js";
import { refuse, unsupported } from "../admission/fields.js";
import { custom } from "./custom.js";
import { customMpi } from "./custom-mpi.js";
import { pytorch } from "./pytorch.js";
import type { Expansion, Gang, Toolkit, ToolkitCase, UnsupportedToolkit } from "./toolkit.js";

/** All toolkits, by the proto's oneof: one that is missing here does not compile. */
export const toolkits: { readonly [C in ToolkitCase]: Toolkit<C> | UnsupportedToolkit } = {
  customToolkitSettings: custom,
  customMpiSettings: customMpi,
  pyTorchSettings: pytorch,
  cntkSettings: { toolType: "cntk", unsupported: true },
  tensorFlowSettings: { toolType: "tensorflow", unsupported: true },
  caffeSettings: { toolType: "caffe", unsupported: true },
  caffe2Settings: { toolType: "caffe2", unsupported: true },
  chainerSettings: { toolType: "chainer", unsupported: true },
  horovodSettings: { toolType: "horovod", unsupported: true },
};

export function toolTypeOf(spec: JobSpec): string {
  return spec.toolkit.case === undefined ? "" : toolkits[spec.toolkit.case].toolType;
}

/** The toolkit block with its defaults. */
export function admitToolkit(spec: JobSpec): JobSpec["toolkit"] {
  const { toolkit } = spec;
  if (toolkit.case === undefined) {
    refuse("toolkit", `none is given; a job needs exactly one of ${Object.keys(toolkits).join(", ")}`);
  }
  const value = known(toolkit.case).admit(toolkit.value, spec, toolkit.case);
  // The case and its own settings: the compiler sees a union of cases beside a union of settings.
  return { case: toolkit.case, value } as JobSpec["toolkit"];
}

export function expandToolkit(spec: JobSpec, gang: Gang): Expansion {
  const { toolkit } = spec;
  if (toolkit.case === undefined) return refuse("toolkit", "none is given");
  return known(toolkit.case).expand(toolkit.value, gang);
}

function known<C extends ToolkitCase>(name: C): Toolkit<C> {
  const toolkit: Toolkit<C> | UnsupportedToolkit = toolkits[name];
  if (isSupported(toolkit)) return toolkit;
  const able = Object.entries(toolkits)
    .filter(([, other]) => !("unsupported" in other))
    .map(([other]) => other);
  unsupported(name, `this release does not run ${toolkit.toolType} jobs; it runs ${able.join(", ")}`);
}

const isSupported = <C extends ToolkitCase>(toolkit: Toolkit<C> | UnsupportedToolkit): toolkit is Toolkit<C> =>
  !("unsupported" in toolkit);
