/** Made once: an error takes note of where it is made. */
const callerGone = new Error("the caller is gone");

/** Whether the caller is gone. grpc-js says so of every call in the end, so a signal, which is dear, is made for who asks for one. */
export class Gone {
  private controller: AbortController | undefined;
  private is = false;

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.is) this.controller.abort(callerGone);
    return this.controller.signal;
  }

  abort(): void {
    this.is = true;
    this.controller?.abort(callerGone);
  }
}
