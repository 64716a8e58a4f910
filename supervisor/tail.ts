/** The end of what a program prints; all of it goes on to where ours goes. */

const KEPT = 4_000;

export class Tail {
  #text = "";

  get text(): string {
    return this.#text;
  }

  async read(stream: ReadableStream<Uint8Array>, print: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      const piece = decoder.decode(bytes, { stream: true });
      print(piece);
      this.#text = (this.#text + piece).slice(-KEPT);
    }
  }
}
