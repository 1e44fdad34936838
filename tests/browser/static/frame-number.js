/*
 * Reads the frame number from a numbered picture; the same layout and rules as tests/media/frame_numbers.py:
 * rows 4-12/16 of the picture hold 4 rows of 8 cells between a white (left) and a black (right) guard column,
 * rows 1-2 the bits, most significant first, rows 3-4 their complement.
 */
"use strict";

const CELLS = 8;
const COLUMNS = CELLS + 2;
const ROWS = 4;
const BITS = 16;
const [LEFT, RIGHT, TOP, BOTTOM] = [1 / 16, 15 / 16, 4 / 16, 12 / 16];
const MIN_CONTRAST = 48;

/** Mean luma of the inner part of each cell of an ImageData, row by row. */
function cellsOf({ data, width, height }) {
  const cells = [];
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) {
      const [top, bottom] = [0.3, 0.7].map((at) => Math.floor((TOP + ((BOTTOM - TOP) * (row + at)) / ROWS) * height));
      const [left, right] = [0.3, 0.7].map((at) => Math.floor((LEFT + ((RIGHT - LEFT) * (column + at)) / COLUMNS) * width));
      let sum = 0;
      let count = 0;
      for (let y = top; y < Math.max(bottom, top + 1); y++) {
        for (let x = left; x < Math.max(right, left + 1); x++) {
          const i = 4 * (y * width + x);
          sum += 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
          count++;
        }
      }
      cells.push(sum / count);
    }
  }
  return cells;
}

/** The number an ImageData shows, or null when there is none to be read without doubt. */
function readFrameNumber(image) {
  const cells = cellsOf(image);
  const cell = (row, column) => cells[row * COLUMNS + column];
  const rows = [...Array(ROWS).keys()];
  const contrast =
    Math.min(...rows.map((row) => cell(row, 0))) - Math.max(...rows.map((row) => cell(row, COLUMNS - 1)));
  if (contrast < MIN_CONTRAST) return null;
  let number = 0;
  for (let bit = 0; bit < BITS; bit++) {
    const row = Math.floor(bit / CELLS);
    const column = (bit % CELLS) + 1;
    const difference = cell(row, column) - cell(row + 2, column);
    if (Math.abs(difference) < contrast / 2) return null;
    number = number * 2 + (difference > 0 ? 1 : 0);
  }
  return number;
}
