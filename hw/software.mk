# Overlays, EEPROM image and their tests. Included by hw/Makefile; runs from anywhere, with the project's own .venv.
HW := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
HW_PYTHON ?= $(HW)../.venv/bin/python
HW_BUILD := $(HW)build

$(HW_BUILD)/%.dtbo: $(HW)%-overlay.dts
	mkdir -p $(@D) && dtc -@ -I dts -O dtb -o $@ $<

$(HW_BUILD)/%/eeprom.eep: $(HW)%/eeprom.txt $(HW)eeprom.py
	mkdir -p $(@D) && cd $(HW).. && $(HW_PYTHON) -m hw.eeprom $< $@

.PHONY: software software-files
# hw/build/tsuwa2/tsuwa2.dtbo, hw/build/tsuwa8/tsuwa8.dtbo, hw/build/tsuwa2/eeprom.eep
software-files: $(HW_BUILD)/tsuwa2/tsuwa2.dtbo $(HW_BUILD)/tsuwa8/tsuwa8.dtbo $(HW_BUILD)/tsuwa2/eeprom.eep

software: software-files
	cd $(HW).. && $(HW_PYTHON) -m pytest -q hw/tests/software
