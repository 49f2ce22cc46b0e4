// pattern: app/page/picture.js -- the same in every sub-project; edit one, then: python -m tools.copies sync app/page/picture.js --from <sub-project>
/* An image on a canvas, with a picture laid over it and frames around parts. */

import { el } from "dom";
import { unpack } from "ask";
import { cursor } from "cells";

/**
 * `size` is the width in pixels of the page (less where there is no room); pixels stay
 * sharp. `onpick(row, column)` and `onpoint` as a heat map's, in pixels of the image.
 */
export function picture({ id, label, size = 256, onpick, onpoint, describe }) {
  let image = null, above = null, strength = 1, boxes = [];
  const canvas = el("canvas", { id, role: "img", "aria-label": label, tabindex: onpick || onpoint || describe ? 0 : null, class: "cells" });
  const readout = el("output", { class: "readout", for: id });
  const told = (row, column) => describe?.(row, column) ?? `row ${row}, column ${column}`;
  const place = cursor({ canvas, readout, size: () => [image?.height ?? 0, image?.width ?? 0], told, onpick, onpoint, draw });
  const node = el("figure", { class: "picture" }, canvas, el("figcaption", {}, label ?? "", " ", readout));

  function draw() {
    if (!image) return;
    [canvas.width, canvas.height] = [image.width, image.height];
    canvas.style.width = `${size}px`;
    const pen = canvas.getContext("2d");
    pen.putImageData(image, 0, 0);
    if (above) {
      const layer = new OffscreenCanvas(above.width, above.height);
      layer.getContext("2d").putImageData(above, 0, 0);
      pen.globalAlpha = strength;
      pen.imageSmoothingEnabled = false;
      pen.drawImage(layer, 0, 0, image.width, image.height);
    }
    place.draw(boxes);
  }

  /** A packed uint8 image, [height, width] or [height, width, 1, 3 or 4]. */
  node.show = (packed) => {
    image = packed.shape.includes(0) ? new ImageData(1, 1) : imageOf(packed);
    [boxes, above] = [[], null];
    draw();
  };
  /** What lies above it: a packed RGBA image or an ImageData of any size, or null. */
  node.overlay = (given, opacity = 1) => {
    above = given === null || given instanceof ImageData ? given : imageOf(given);
    strength = opacity;
    draw();
  };
  /** Frames [top, left, height, width]. */
  node.mark = (given) => ((boxes = given), draw());
  return node;
}

/** The pixels of a packed image as a canvas wants them. */
export function imageOf(packed) {
  const { values, shape } = unpack(packed);
  const [height, width, channels = 1] = shape;
  const data = new Uint8ClampedArray(4 * height * width);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) data[4 * i + c] = values[i * channels + (channels < 3 ? 0 : c)];
    data[4 * i + 3] = channels === 4 ? values[i * channels + 3] : 255;
  }
  return new ImageData(data, width, height);
}
