/** What a machine is made of. */
export interface Hardware {
  readonly name: string;
  readonly cpus: number;
  readonly gpus: number;
  /** Its agent takes part in asking whether the coordinator is gone. */
  readonly witness: boolean;
  /** Local milliseconds in a true one. */
  readonly rate: number;
}

export const memoryOf = ({ cpus }: Hardware) => cpus * 4 * 1024 ** 3;
