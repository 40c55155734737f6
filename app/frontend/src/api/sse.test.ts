import { describe, expect, it } from "@jest/globals";
import { readEvents } from "./sse.ts";

function bodyOf(chunks: Uint8Array[], onCancel: () => void = () => undefined): ReadableStream<Uint8Array> {
  const left = [...chunks];
  return new ReadableStream({
    pull(controller) {
      const chunk = left.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
    cancel: onCancel,
  });
}

async function collect(body: ReadableStream<Uint8Array>): Promise<[string | undefined, string][]> {
  const events: [string | undefined, string][] = [];
  for await (const { event, data } of readEvents(body)) events.push([event, data]);
  return events;
}

describe("readEvents", () => {
  const bytes = new TextEncoder().encode("event: delta\ndata: Büro\n\n: ping\n\nevent: done\ndata: {}\n\n");

  it("gives the same events wherever the body is cut, also inside a character", async () => {
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const events = await collect(bodyOf([bytes.slice(0, cut), bytes.slice(cut)]));
      expect(events).toEqual([
        ["delta", "Büro"],
        ["done", "{}"],
      ]);
    }
  });

  it("cancels the body when the reader stops early", async () => {
    let cancelled = false;
    const body = bodyOf([bytes, bytes], () => {
      cancelled = true;
    });
    for await (const event of readEvents(body)) {
      expect(event.event).toBe("delta");
      break;
    }
    expect(cancelled).toBe(true);
  });
});
