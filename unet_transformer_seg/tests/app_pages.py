"""What the tests of pages read from a tab, and what the page was asked."""

import base64
import math

import numpy as np
import torch

from tests.browser import number, wait_for


SETTLED = "() => document.getElementById('status').textContent === ''"
PIXELS = """(id) => {
  const canvas = document.getElementById(id), { width, height } = canvas;
  const pen = new OffscreenCanvas(width, height).getContext("2d");
  pen.drawImage(canvas, 0, 0); // Chromium warns of reading a shown canvas twice
  return [Array.from(pen.getImageData(0, 0, width, height).data), width];
}"""


def array(packed):
    """A packed answer of the page as a tensor."""
    values = np.frombuffer(base64.b64decode(packed["base64"]), packed["dtype"])
    return torch.from_numpy(values.reshape(packed["shape"]).copy())


def asked(page, name="test-00000"):
    """Image (CHW in [0, 1]), probabilities and truth of an example."""
    answer = page.ask("segment/run", {"example": name})
    image = array(answer["image"]).permute(2, 0, 1) / 255
    return image, array(answer["probabilities"]), array(answer["target"]).long()


def canvas(tab, name):
    """The pixels of a canvas, height x width x 3."""
    data, width = tab.evaluate(PIXELS, name)
    return np.array(data, np.int64).reshape(-1, width, 4)[..., :3]


def near(found, expected):
    """Whether two pictures are equal but for the rounding of their bytes."""
    return bool((np.abs(found - expected.numpy().astype(np.int64)) <= 1).all())


def table(tab, name):
    """The rows of a table as lists of texts."""
    rows = [row.locator("td") for row in tab.locator(f"#{name} tbody tr").all()]
    return [[cell.strip() for cell in row.all_inner_texts()] for row in rows]


def shown(text):
    """A number as the page shows it; a dash is NaN."""
    return math.nan if text == "–" else number(text)


def choose(tab, control, content, name="mine.png"):
    """Give a file to a picker."""
    given = {"name": name, "mimeType": "image/png", "buffer": content}
    tab.locator(f"#{control}").set_input_files(given)


def settled(tab, panel):
    """Wait until the panel is built and nothing is asked."""
    tab.wait_for_selector(f"#panel-{panel}[data-ready]", state="attached")
    tab.wait_for_function(SETTLED)


def complained(tab, words):
    """Wait until the page complains with these words."""
    problem = tab.locator("#problem")
    wait_for(tab, lambda: problem.is_visible() and words in problem.text_content())
