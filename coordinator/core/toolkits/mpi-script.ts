import { admitClean, admitCount, admitText } from "../admission/fields.js";
import { mpiExpansion } from "./mpi.js";
import { type Expansion, type Gang, type ScriptSettings, scriptCommand } from "./toolkit.js";

/** What Horovod, Chainer and others have in common: a Python script as processCount MPI ranks in total. */
export interface MpiScriptSettings extends ScriptSettings {
  processCount: number;
}

export function admitScript(settings: ScriptSettings, path: string): void {
  admitText(`${path}.pythonScriptFilePath`, settings.pythonScriptFilePath);
  admitClean(`${path}.pythonInterpreterPath`, settings.pythonInterpreterPath);
  admitClean(`${path}.commandLineArgs`, settings.commandLineArgs);
}

/** Batch AI's default: one a node. */
export function admitProcessCount(given: number, nodeCount: number, path: string): number {
  return admitCount(`${path}.processCount`, given === 0 ? nodeCount : given, 1, 100_000);
}

export function expandMpiScript(settings: MpiScriptSettings, gang: Gang): Expansion {
  const { pythonInterpreterPath, pythonScriptFilePath, commandLineArgs, processCount } = settings;
  return mpiExpansion(scriptCommand(pythonInterpreterPath, pythonScriptFilePath, commandLineArgs), processCount, gang);
}
