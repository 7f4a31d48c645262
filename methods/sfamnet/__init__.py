"""SFAMNet: scene flow of frames through streams with attention, spotted and named by one network (Liong et al. 2024)."""
