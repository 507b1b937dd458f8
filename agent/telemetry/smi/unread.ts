/** Elements that nobody asks for: most of a document, and most of the time that it would take to read it. */
export const unreadNames = `supported_clocks accounted_processes platformInfo inforom_version inforom_bbx_flush
   encoder_stats fbc_stats power_profiles power_smoothing ibmnpu
   capabilities bar1_memory_usage cc_protected_memory_usage dram_encryption_mode gpu_operation_mode
   gpu_virtualization_mode pci_bridge_chip supported_gpu_target_temp module_power_readings gpu_memory_power_readings
   applications_clocks default_applications_clocks deferred_clocks max_customer_boost_clocks clock_policy
   aggregate_uncorrectable_sram_sources retired_pagelist retired_page_addresses
   product_brand product_architecture display_mode display_attached display_active addressing_mode
   accounting_mode accounting_mode_buffer_size serial pdi vbios_version multigpu_board
   board_id board_part_number gpu_part_number gpu_fru_part_number c2c_mode gsp_firmware_version
   pci_bus pci_device pci_domain pci_base_class pci_sub_class pci_device_id
   pci_sub_system_id atomic_caps_outbound atomic_caps_inbound tx_util rx_util fan_speed
   sparse_operation_mode encoder_util decoder_util jpeg_util ofa_util max_host_link_gen
   device_current_link_gen max_device_link_gen replay_rollover_counter power_state requested_power_limit default_power_limit
   min_power_limit max_power_limit video_clock cliqueId clusterUuid gpu_target_temperature
   sram_correctable dram_correctable`.split(/\s+/);
