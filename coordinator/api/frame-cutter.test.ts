import fc from "fast-check";
import { expect, it } from "vitest";
import { FrameCutter } from "./frame-cutter.js";

const frame = (length: number) => {
  const header = Buffer.alloc(9);
  header.writeUIntBE(length, 0, 3);
  return Buffer.concat([header, Buffer.alloc(length, 0xff)]);
};

it("passes what is allowed, each time up to the beginning of a frame, however the bytes arrive", () => {
  const lengths = fc.array(fc.nat(300), { maxLength: 30 });
  const sizes = fc.infiniteStream(fc.integer({ min: 1, max: 400 }));
  fc.assert(
    fc.property(lengths, sizes, fc.infiniteStream(fc.nat(4)), (bodies, chunks, allowances) => {
      const frames = bodies.map(frame);
      const bytes = Buffer.concat([Buffer.alloc(24, 0xff), ...frames]);
      const beginnings = [...frames.keys()].map((at) => 24 + Buffer.concat(frames.slice(0, at)).length);
      const cutter = new FrameCutter();
      let passed = 0;
      let arrived = 0;
      let allowed = 0;
      while (passed < bytes.length) {
        arrived = Math.min(bytes.length, Math.max(arrived, passed) + (chunks.next().value ?? 1));
        let left = allowances.next().value ?? 1;
        const mayPass = () => {
          if (left === 0) return false;
          left -= 1;
          allowed += 1;
          return true;
        };
        passed += cutter.pass(bytes.subarray(passed, arrived), mayPass);
        expect(allowed).toBe(beginnings.filter((at) => at < passed).length);
        if (passed < arrived) expect(beginnings).toContain(passed);
      }
      expect(allowed).toBe(frames.length);
    }),
  );
});
