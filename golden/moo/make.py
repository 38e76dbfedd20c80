#!/usr/bin/env python3
"""Writes pymoo.json beside this file: what pymoo 0.6.2 (numpy 2.4) says of the same points and the same problems.

    python3 -m venv venv && venv/bin/pip install pymoo==0.6.2 && venv/bin/python golden/moo/make.py

`sets`      random points with their non-dominated fronts, crowding distances (the mean over objectives, as pymoo has
            it), nearest-neighbour measures ("mnn") and hypervolume; numpy's generator with seed 2.
`formulas`  error, speedup and memory of some genomes by the mixed-precision formulas, written for numpy.
`search`    hypervolumes after 630 evaluations with MOHAQ's settings, seeds 1 to 11: of the last population's front
            (`final`) and of everything evaluated (`all`).

The problems are those of crates/mohaq-moo/tests/search/precision.rs, which describes them."""
import json
import pathlib
import warnings

import numpy as np
import pymoo
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.problem import Problem
from pymoo.functions.standard.mnn import calc_mnn
from pymoo.indicators.hv import HV
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.operators.sampling.rnd import IntegerRandomSampling
from pymoo.operators.survival.rank_and_crowding.metrics import calc_crowding_distance
from pymoo.optimize import minimize
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

warnings.filterwarnings("ignore")
MACS = np.array([75900, 844800, 844800, 844800, 281600, 281600, 281600, 2094400.0])
WEIGHT, ACTIVATION = [0, 1, 2, 3, 8, 9, 10, 14], [4, 5, 6, 7, 11, 12, 13, 15]
BITS, S_W, S_A = np.array([2.0, 4, 8, 16]), np.array([1, 0.12, 0.01, 0]), np.array([1, 0.15, 0.012, 0])
ALPHA = np.array([1.0, 0.9, 0.7, 0.6, 0.5, 0.4, 0.4, 1.5])
BETA = np.array([4.0, 1.6, 1.3, 1.1, 1.2, 1.0, 0.9, 2.9])
CHAIN = [0, 4, 1, 5, 2, 6, 3, 7]


def formulas(genomes):
    """[n, 16] levels -> [n, 3] error in %, speedup, memory in MiB."""
    w, a = genomes[:, WEIGHT], genomes[:, ACTIVATION]
    s_w, s_a = S_W[w], S_A[a]
    chain = s_w[:, CHAIN]
    error = 16.2 + (ALPHA * s_w + BETA * s_a + 0.5 * ALPHA * s_w * s_a).sum(1)
    error = error + 0.3 * (chain[:, 1:] * chain[:, :-1]).sum(1)
    speedup = (MACS * np.minimum(64, 256 / (BITS[w] * BITS[a]))).sum(1) / 5637500
    memory = ((MACS * BITS[w]).sum(1) + 8800 * 16) / 8 / 2**20
    return np.c_[error, speedup, memory]


class Precision(Problem):
    def __init__(self, name):
        self.kind, self.seen = name, []
        objectives, constraints = {"bf": (2, 2), "mem": (2, 1), "bfmem": (3, 2)}[name]
        super().__init__(n_var=16, n_obj=objectives, n_ieq_constr=constraints, xl=0, xu=3, vtype=int)

    def _evaluate(self, x, out, *args, **kwargs):
        error, speedup, memory = formulas(x.astype(int)).T
        too_wrong, too_large = (error - 24) / 24, (memory - 2) / 2
        error, speedup = (error - 16.2) / 7.8, 1 - speedup / 64
        columns = {"bf": (error, speedup), "mem": (error, memory / 11), "bfmem": (error, speedup, memory / 2)}
        out["F"] = np.c_[columns[self.kind]]
        out["G"] = np.c_[(too_wrong,) if self.kind == "mem" else (too_wrong, too_large)]
        self.seen.append((out["F"], out["G"]))

    def hypervolume(self, f, g):
        feasible = f[(g <= 0).all(1)]
        return float(HV(ref_point=np.ones(self.n_obj))(feasible)) if len(feasible) else 0.0


def search(name):
    volumes = {"final": [], "all": []}
    for seed in range(1, 12):
        problem = Precision(name)
        integer = {"vtype": float, "repair": RoundingRepair()}
        algorithm = NSGA2(pop_size=40, n_offsprings=10, sampling=IntegerRandomSampling(), eliminate_duplicates=True,
                          crossover=SBX(prob=1.0, eta=3, **integer), mutation=PM(eta=3, **integer))
        last = minimize(problem, algorithm, ("n_eval", 630), seed=seed).pop
        assert sum(len(f) for f, _ in problem.seen) == 630
        volumes["final"].append(problem.hypervolume(last.get("F"), last.get("G")))
        volumes["all"].append(problem.hypervolume(*(np.vstack(part) for part in zip(*problem.seen))))
    return volumes


def point_set(rng, count, dimension):
    """Points on a grid of 1/64, so that ties occur and decimal fractions are exact."""
    points = rng.integers(0, 64, (count, dimension)) / 64
    fronts = [sorted(int(i) for i in front) for front in NonDominatedSorting().do(points)]
    first = np.unique(points[fronts[0]], axis=0)
    finite = lambda values: [None if np.isinf(value) else float(value) for value in values]
    return {"points": points.tolist(), "fronts": fronts, "front": first.tolist(),
            "crowding": finite(calc_crowding_distance(first)),
            "neighbours": finite(calc_mnn(first)) if len(first) > dimension else None,
            "reference": [0.875] * dimension,
            "hypervolume": float(HV(ref_point=np.full(dimension, 0.875))(points))}


def main():
    rng = np.random.default_rng(2)
    genomes = rng.integers(0, 4, (8, 16))
    sizes = [(1, 2), (2, 3), (24, 2), (40, 2), (24, 3), (48, 3)]
    golden = {
        "versions": {"pymoo": pymoo.__version__, "numpy": np.__version__},
        "sets": [point_set(rng, count, dimension) for count, dimension in sizes],
        "formulas": [{"genome": g.tolist(), "values": v.tolist()} for g, v in zip(genomes, formulas(genomes))],
        "search": {name: search(name) for name in ("bf", "mem", "bfmem")},
    }
    path = pathlib.Path(__file__).with_name("pymoo.json")
    sections = ",\n".join(f'"{key}": {json.dumps(value)}' for key, value in golden.items())
    path.write_text("{\n" + sections + "\n}\n")


if __name__ == "__main__":
    main()
