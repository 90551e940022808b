"""Many more random data sets than the default suite has; see test_reference.py."""
import shutil

from test_reference import try_seed


def test_every_file_of_many_random_data_sets_is_what_the_rules_say(tmp_path):
    for seed in range(1000, 1300):
        print(f"seed {seed}")
        try_seed(seed, tmp_path / str(seed))
        shutil.rmtree(tmp_path / str(seed))
