/** A moving picture of a window, frame by frame. */
import type { Page } from "@playwright/test";
import sharp from "sharp";

export class Film {
  private readonly frames: { picture: Buffer; milliseconds: number }[] = [];

  constructor(private readonly page: Page) {}

  /** What is on screen now, to be seen for so long. */
  async frame(milliseconds: number): Promise<void> {
    this.frames.push({ picture: await this.page.screenshot({ caret: "initial" }), milliseconds });
  }

  /** Type a text, a few letters a frame, as fast as a person who knows what to ask. */
  async type(text: string): Promise<void> {
    for (const letters of text.match(/.{1,3}/g) ?? []) {
      await this.page.keyboard.insertText(letters);
      await this.frame(letters.length * 70);
    }
  }

  /** Write it as a GIF, which is shown everywhere; flat colours need no dithering, and unchanged pixels cost nothing. */
  async save(path: string): Promise<void> {
    const delay = this.frames.map(({ milliseconds }) => milliseconds);
    const pictures = this.frames.map(({ picture }) => picture);
    await sharp(pictures, { join: { animated: true } })
      .gif({ delay, loop: 0, dither: 0, effort: 10 })
      .toFile(path);
  }
}
