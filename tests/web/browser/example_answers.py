"""Answers that use everything the page can show, for tests of how it looks."""

from typing import Final

RICH: Final = '''# Heat pumps

A heat pump **moves** heat instead of making it, so it gives *three to four times* as much heat as it takes
electricity. See [how refrigeration works](https://example.org/refrigeration), or the formula `COP = Q / W`.

## How it goes round

1. The refrigerant **evaporates** outside, and takes up heat.
2. A compressor makes it hot.
   - It needs most of the electricity.
   - It is what you hear.
3. It condenses inside, and gives the heat to the house.

> In a mild winter it is the cheapest way to heat a house.
> In a cold one, ask somebody who has one.

| outside | COP | share of heat that is free |
|--------:|:---:|:---------------------------|
| 10 °C   | 4.5 | 78 % |
| 0 °C    | 3.4 | 71 % |
| -15 °C  | 2.1 | 52 % |

```python
def cop(heat: float, work: float) -> float:
    """Return the coefficient of performance."""
    if work <= 0:
        raise ValueError("a heat pump needs electricity")  # always
    return heat / work  # a long line, which is wider than a phone and must be scrolled in its own frame
```

- [x] insulate the roof
- [ ] choose a pump

![a diagram](https://example.org/diagram.png)

---

That is all there is to it.
'''

THOUGHTS: Final = (
    "The person is curious, and ten years old. I should begin with the fridge, which they know. "
    "Then the circle: evaporate, compress, condense."
)
