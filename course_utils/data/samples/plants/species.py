"""The twelve species of the drawn seedlings, told apart by the shape, number and arrangement of their leaves.

Each function adds leaves to a `Plant`. `age` in [0, 1] runs from the seed leaves alone to several true
leaves, as in the real set, where one species looks like two. Colour and size are the same for all species on
purpose.
"""

from collections.abc import Callable

import numpy as np

from course_utils.data.samples.plants.leaves import Plant, blade, kidney, palmate, tapered, toothed

ORIGIN = np.zeros(2)


def black_grass(plant: Plant, age: float) -> None:
    """One stiff thin blade, at times a second one beside it."""
    rng = plant.rng
    foot = np.array([-0.95, rng.uniform(-0.1, 0.1)])
    plant.leaf(blade(0.028, bend=rng.normal(0, 0.10)), foot, rng.normal(0, 0.05), 1.95, rib=0.1)
    if age > 0.55:
        lean = rng.choice((-1, 1)) * rng.uniform(0.25, 0.5)
        plant.leaf(blade(0.032, bend=rng.normal(0, 0.1)), foot, lean, rng.uniform(1.0, 1.4), rib=0.1)


def silky_bent(plant: Plant, age: float) -> None:
    """A tuft of hair-thin blades that arch over."""
    rng = plant.rng
    count = 3 + int(age * 3.9)
    start = rng.uniform(0, 6.3)
    for number in range(count):
        angle = start + number * 2 * np.pi / count + rng.normal(0, 0.3)
        bend = rng.choice((-1, 1)) * rng.uniform(0.35, 0.8)
        plant.leaf(blade(0.026, bend=bend), rng.normal(0, 0.04, 2), angle, rng.uniform(0.85, 1.2), rib=0.1)


def wheat(plant: Plant, age: float) -> None:
    """Two or three wider blades, each folded over sharply."""
    rng = plant.rng
    start = rng.uniform(0, 6.3)
    for number in range(2 + (age > 0.5)):
        angle = start + number * 2.4 + rng.normal(0, 0.2)
        kink = rng.choice((-1, 1)) * rng.uniform(0.9, 1.5)
        outline = blade(0.062, kink=kink, kink_at=rng.uniform(0.42, 0.62), bend=rng.normal(0, 0.08))
        plant.leaf(outline, rng.normal(0, 0.05, 2), angle, rng.uniform(1.15, 1.45), rib=0.25)


def maize(plant: Plant, age: float) -> None:
    """Broad pointed blades to both sides of a funnel, with a clear midrib."""
    rng = plant.rng
    axis = rng.uniform(0, 6.3)
    for number in range(2 + int(age * 2.9)):
        angle = axis + (number % 2) * np.pi + rng.normal(0, 0.25)
        width = rng.uniform(0.13, 0.18)
        outline = tapered(width, fullest=0.42, blunt=0.9, bend=rng.normal(0, 0.18))
        plant.leaf(outline, rng.normal(0, 0.03, 2), angle, 1.15 - 0.18 * (number // 2), rib=0.7)
    plant.leaf(tapered(0.4, blunt=0.5), np.array([-0.1, 0.0]), axis, 0.26, rib=0.0, tint=0.7)


def charlock(plant: Plant, age: float) -> None:
    """Two kidney-shaped seed leaves with a notch at the tip; later rough wavy leaves between them."""
    rng = plant.rng
    axis = rng.uniform(0, 6.3)
    if age > 0.45:
        for quarter in (0.5, 1.5):
            outline = toothed(0.3, teeth=5, depth=0.25, fullest=0.6)
            plant.stalked_leaf(
                outline, axis + quarter * np.pi + rng.normal(0, 0.2), 0.18, 0.3 + 0.4 * age, rib=0.5
            )
    for side in (0, 1):
        outline = kidney(1.35, notch=0.42, notch_at_tip=True)
        plant.stalked_leaf(
            outline, axis + side * np.pi + rng.normal(0, 0.2), 0.3, rng.uniform(0.5, 0.62), rib=0.3
        )


def cleavers(plant: Plant, age: float) -> None:
    """Two large oval seed leaves; above them whorls of narrow leaves, like the spokes of a wheel."""
    rng = plant.rng
    axis = rng.uniform(0, 6.3)
    for side in (0, 1):
        outline = tapered(0.33, fullest=0.5, blunt=0.55)
        plant.stalked_leaf(
            outline, axis + side * np.pi + rng.normal(0, 0.15), 0.22, rng.uniform(0.6, 0.72), rib=0.3
        )
    spokes = 5 + int(age * 2.9)
    for number in range(spokes):
        angle = axis + 0.4 + number * 2 * np.pi / spokes
        plant.leaf(tapered(0.13, fullest=0.6), ORIGIN, angle, 0.24 + 0.3 * age, rib=0.4, tint=1.15)


def chickweed(plant: Plant, age: float) -> None:
    """Small pointed egg-shaped leaves in crossed pairs on long thin stalks."""
    rng = plant.rng
    axis = rng.uniform(0, 6.3)
    for pair in range(1 + int(age * 2.4)):
        for side in (0, 1):
            angle = axis + pair * np.pi / 2 + side * np.pi + rng.normal(0, 0.15)
            outline = tapered(0.27, fullest=0.33, blunt=1.15)
            length = 0.5 - 0.08 * pair
            plant.stalked_leaf(outline, angle, 0.42 - 0.12 * pair, length, rib=0.35)


def fat_hen(plant: Plant, age: float) -> None:
    """Two narrow seed leaves; across them rhombic leaves with coarse teeth."""
    rng = plant.rng
    axis = rng.uniform(0, 6.3)
    for side in (0, 1):
        plant.stalked_leaf(tapered(0.13, fullest=0.5, blunt=0.7), axis + side * np.pi, 0.2, 0.6, rib=0.2)
    for pair in range(1 + (age > 0.6)):
        for quarter in (0.5, 1.5):
            angle = axis + quarter * np.pi + pair * 0.8 + rng.normal(0, 0.15)
            outline = toothed(0.36, teeth=4, depth=0.3, fullest=0.45)
            plant.stalked_leaf(outline, angle, 0.14, 0.38 + 0.42 * age - 0.2 * pair, rib=0.45)


def mayweed(plant: Plant, age: float) -> None:
    """Feathery leaves, cut to the midrib into fine threads, above two small ovals."""
    rng = plant.rng
    axis = rng.uniform(0, 6.3)
    for side in (0, 1):
        plant.leaf(tapered(0.3, blunt=0.6), ORIGIN, axis + side * np.pi, 0.34, rib=0.1)
    count = 2 + int(age * 3.9)
    for number in range(count):
        angle = axis + 0.5 * np.pi + number * 2 * np.pi / count + rng.normal(0, 0.15)
        _feather(plant, angle, rng.uniform(0.75, 1.0))


def _feather(plant: Plant, angle: float, length: float) -> None:
    """A midrib with four pairs of narrow leaflets."""
    heading = np.array([np.cos(angle), np.sin(angle)])
    plant.leaf(blade(0.035), ORIGIN, angle, length, rib=0.0)
    for place_along in (0.34, 0.52, 0.7, 0.86):
        for side in (-1, 1):
            leaflet = tapered(0.12, fullest=0.5)
            at = heading * length * place_along
            plant.leaf(leaflet, at, angle + side * 0.85, 0.36 * length * (1.15 - 0.5 * place_along), rib=0.0)


def shepherds_purse(plant: Plant, age: float) -> None:
    """A rosette of round-ended spoon-shaped leaves, each at the golden angle to the last."""
    rng = plant.rng
    start = rng.uniform(0, 6.3)
    for number in range(4 + int(age * 3.9)):
        angle = start + number * 2.39996 + rng.normal(0, 0.12)
        outline = tapered(0.24, fullest=0.74, blunt=0.75)
        plant.leaf(outline, ORIGIN, angle, rng.uniform(0.8, 0.98) - 0.06 * number, rib=0.3)


def cranesbill(plant: Plant, age: float) -> None:
    """Round leaves on long stalks, notched where the stalk enters; the true leaves are cut like a hand."""
    rng = plant.rng
    axis = rng.uniform(0, 6.3)
    for side in (0, 1):
        outline = kidney(1.3, notch=0.5, notch_at_tip=False)
        plant.stalked_leaf(
            outline, axis + side * np.pi + rng.normal(0, 0.25), 0.42, rng.uniform(0.42, 0.52), rib=0.2
        )
    for number in range(1 + int(age * 2.4)):
        angle = axis + (0.5, 1.5, 0.85)[number] * np.pi + rng.normal(0, 0.2)
        plant.stalked_leaf(palmate(7, depth=0.6), angle, 0.25 + 0.15 * age, 0.42 + 0.2 * age, rib=0.3)


def sugar_beet(plant: Plant, age: float) -> None:
    """Two long blunt strap-like seed leaves; later broad wavy leaves with a thick midrib."""
    rng = plant.rng
    axis = rng.uniform(0, 6.3)
    for side in (0, 1):
        angle = axis + side * (np.pi + rng.normal(0, 0.25))
        outline = tapered(0.16, fullest=0.62, blunt=0.55, bend=rng.normal(0, 0.12))
        plant.leaf(outline, ORIGIN, angle, rng.uniform(0.88, 1.05), rib=0.25)
    if age > 0.4:
        for quarter in (0.5, 1.5):
            outline = tapered(0.27, fullest=0.55, blunt=0.7, bend=rng.normal(0, 0.2))
            plant.leaf(
                outline, ORIGIN, axis + quarter * np.pi + rng.normal(0, 0.2), 0.35 + 0.4 * age, rib=0.9
            )


# In the order of the class names in `seedlings.py`.
SPECIES: dict[str, Callable[[Plant, float], None]] = {
    "Black-grass": black_grass,
    "Charlock": charlock,
    "Cleavers": cleavers,
    "Common Chickweed": chickweed,
    "Common wheat": wheat,
    "Fat Hen": fat_hen,
    "Loose Silky-bent": silky_bent,
    "Maize": maize,
    "Scentless Mayweed": mayweed,
    "Shepherds Purse": shepherds_purse,
    "Small-flowered Cranesbill": cranesbill,
    "Sugar beet": sugar_beet,
}
