"""The papers that define metrics."""

LIONG = "Liong, See and Chan 2023 (MEAN), doi:10.1016/j.image.2022.116875"
LI = "Li et al. 2017, Towards Reading Hidden Emotions, arXiv:1511.00423"
MEGC2018 = "Yap et al. 2018 (MEGC 2018), doi:10.1109/FG.2018.00106"
MEGC2019 = "See et al. 2019 (MEGC 2019), doi:10.1109/FG.2019.8756611"
MEGC2020 = "He et al. 2020 (MEGC 2020), arXiv:1912.11985"
GUO = "Guo et al. 2017, arXiv:1706.04599"
