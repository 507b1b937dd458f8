import type { JobSpec } from "../../../shared/gen/stoker/v1/job_pb.js";
import { refuse } from "../admission/fields.js";
import { caffe } from "./caffe.js";
import { caffe2 } from "./caffe2.js";
import { chainer } from "./chainer.js";
import { cntk } from "./cntk.js";
import { custom } from "./custom.js";
import { customMpi } from "./custom-mpi.js";
import { horovod } from "./horovod.js";
import { pytorch } from "./pytorch.js";
import { tensorflow } from "./tensorflow.js";
import type { Expansion, Gang, Toolkit, ToolkitCase } from "./toolkit.js";

/** All toolkits, by the proto's oneof: one that is missing here does not compile. */
export const toolkits: { readonly [C in ToolkitCase]: Toolkit<C> } = {
  customToolkitSettings: custom,
  customMpiSettings: customMpi,
  pyTorchSettings: pytorch,
  cntkSettings: cntk,
  tensorFlowSettings: tensorflow,
  caffeSettings: caffe,
  caffe2Settings: caffe2,
  chainerSettings: chainer,
  horovodSettings: horovod,
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
  const value = toolkitOf(toolkit.case).admit(toolkit.value, spec, toolkit.case);
  // The case and its own settings: the compiler sees a union of cases beside a union of settings.
  return { case: toolkit.case, value } as JobSpec["toolkit"];
}

export function expandToolkit(spec: JobSpec, gang: Gang): Expansion {
  const { toolkit } = spec;
  if (toolkit.case === undefined) return refuse("toolkit", "none is given");
  return toolkitOf(toolkit.case).expand(toolkit.value, gang);
}

// Through a type parameter, so that a case and its own settings stay together.
const toolkitOf = <C extends ToolkitCase>(name: C): Toolkit<C> => toolkits[name];
