import type { Logger } from "pino";
import type { NodeTests, TestsHost } from "../health-ports.js";

export interface TestsOptions {
  shimPath: string;
}

export class MachineTests implements NodeTests {
  constructor(
    private readonly host: TestsHost,
    private readonly options: TestsOptions,
    private readonly log: Logger,
  ) {}

  received(message: Parameters<NodeTests["received"]>[0]): void {
    this.log.info({ message: message.case, node: this.host.nodeName, shim: this.options.shimPath }, "not yet");
  }

  async beforeStart(): Promise<string> {
    return "";
  }

  close(): void {
    return;
  }
}
